import anthropic
client = anthropic.Anthropic(base_url="http://localhost:1/mock")
