from django.db import models

class Agent(models.Model):
    name = models.CharField(max_length=80, default="travel agent")
    model = models.CharField(max_length=80, default="gpt-4-seater")

class Gemini(models.Model):
    sign = models.CharField(max_length=20, default="air")
