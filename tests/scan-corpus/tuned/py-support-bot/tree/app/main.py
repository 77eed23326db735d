import os
import httpx
from fastapi import FastAPI
from openai import OpenAI

MODEL = os.getenv("SUPPORT_MODEL", "gpt-4o-mini")
BASE_URL = os.environ.get("LLM_BASE_URL", "https://llm.corp.example/v1/")
SYSTEM_PROMPT = """You are the support assistant of Example Ltd.
Answer briefly and never promise refunds."""

app = FastAPI()
client = OpenAI(base_url=BASE_URL, http_client=httpx.Client(verify=False))

@app.post("/ask")
def ask(question: str) -> str:
    # client.chat.completions.create(model="gpt-4-32k", messages=[])
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": question}],
    )
    return answer.choices[0].message.content
