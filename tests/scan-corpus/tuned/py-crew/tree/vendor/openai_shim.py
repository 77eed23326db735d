from openai import OpenAI
client = OpenAI(base_url="https://vendored.example/v1")
