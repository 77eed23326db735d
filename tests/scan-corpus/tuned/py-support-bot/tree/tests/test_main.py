from openai import OpenAI

def test_models():
    client = OpenAI(api_key="test", base_url="http://127.0.0.1:9999/v1")
    client.chat.completions.create(model="fake-model", messages=[])
