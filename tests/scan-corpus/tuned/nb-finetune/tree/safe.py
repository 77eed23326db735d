import torch
from transformers import pipeline

weights = torch.load("adapter.pt", weights_only=True)
sentiment = pipeline("sentiment-analysis", model="distilbert-base-uncased-finetuned-sst-2-english")
