import json
import boto3
from botocore.config import Config

REGION = "eu-central-1"
MODEL_ID = "meta.llama3-70b-instruct-v1:0"

runtime = boto3.client(service_name="bedrock-runtime", region_name=REGION, config=Config(read_timeout=60))
table = boto3.resource("dynamodb").Table("prompts")

def ask(prompt: str) -> dict:
    answer = runtime.invoke_model(modelId=MODEL_ID, body=json.dumps({"prompt": prompt}), guardrailIdentifier="gr-1a2b3c", guardrailVersion="1")
    return json.loads(answer["body"].read())
