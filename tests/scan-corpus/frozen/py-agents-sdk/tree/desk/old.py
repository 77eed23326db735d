# from openai import OpenAI
# client = OpenAI(base_url="https://dead.example/v1")
TEXT = """
from anthropic import Anthropic
Anthropic().messages.create(model="claude-2.1")
"""
