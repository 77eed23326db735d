class Anthropic:
    def __init__(self, model):
        self.messages = self
        self.model = model

    def create(self, **kwargs):
        return kwargs
