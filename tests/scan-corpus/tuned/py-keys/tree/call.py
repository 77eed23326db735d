import boto3
from config import AWS_KEY

bedrock = boto3.client("bedrock-runtime", region_name="us-east-1")
s3 = boto3.client("s3")

def ask(body):
    return bedrock.invoke_model(modelId="anthropic.claude-3-haiku-20240307-v1:0", body=body)
