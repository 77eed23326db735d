catalogue = ["claude (a sweater)", "mistral (a wind jacket)", "gemini (a pair of shoes)"]
