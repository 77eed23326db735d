import os
OPENAI_API_KEY = os.environ["OPENAI_API_KEY"]
AWS_KEY = "{{secret:aws-access-key}}"
PLACEHOLDER = "sk-your-key-here"
