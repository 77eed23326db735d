class ChatCompletion:
    @staticmethod
    def create(model):
        return model
