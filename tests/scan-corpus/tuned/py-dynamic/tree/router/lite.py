from litellm import completion

def ask(text, model="mistral/mistral-large-latest"):
    return completion(model=model, messages=[{"role": "user", "content": text}])
