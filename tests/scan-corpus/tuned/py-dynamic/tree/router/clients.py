import importlib
import openai as oa

PROVIDERS = {"a": "anthropic", "o": "openai"}
sdk = importlib.import_module("anthropic")
mistral = __import__("mistralai")

class Clients:
    def __init__(self):
        self.claude = sdk.Anthropic()
        self.azure = oa.AzureOpenAI(
            azure_endpoint="https://contoso-eu.openai.azure.com/",
            api_version="2024-06-01",
            azure_deployment="chat-prod",
        )

    def ask(self, text):
        reply = self.claude.messages.create(model="claude-3-5-sonnet-20241022", max_tokens=512,
                                            messages=[{"role": "user", "content": text}])
        return eval(reply.content[0].text)

    def ask_azure(self, text):
        return self.azure.chat.completions.create(model="chat-prod", messages=[{"role": "user", "content": text}])
