"""A plain web shop. The anthropic principle is discussed on the about page."""
import requests
from flask import Flask

from shop.openai import catalogue

openai = "the name of a colour palette"
model = "tailored-suit"

class OpenAI:
    """Opening hours, artificial intelligence not included."""

    def __init__(self, base_url):
        self.base_url = base_url

app = Flask(__name__)
hours = OpenAI(base_url="https://hours.example/v1")

def create(model="gpt-sized-shirt"):
    return model

def agent(name="estate agent"):
    return name

def evaluate(text):
    return requests.get("https://api.example/eval", params={"q": text}, timeout=3).text
