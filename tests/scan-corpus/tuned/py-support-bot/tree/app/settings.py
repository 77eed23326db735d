import os

# MODEL = "gpt-3.5-turbo"   # too weak, see ticket 88
DEFAULT_MODEL = "gpt-4o-mini"
MODEL = os.getenv("SUPPORT_MODEL", DEFAULT_MODEL)
BASE = os.environ.get("LLM_BASE_URL", "https://llm.corp.example/v1")
TIMEOUT = 30
