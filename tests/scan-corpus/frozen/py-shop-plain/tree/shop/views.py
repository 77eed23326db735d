from .anthropic import Anthropic
from . import openai

def page(request):
    client = Anthropic(model="claude the cat")
    return client.messages.create(model="cat-3", max_tokens=1)

def palette():
    return openai.ChatCompletion.create(model="green")
