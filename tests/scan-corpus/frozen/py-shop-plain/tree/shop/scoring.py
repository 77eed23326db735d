def predict(pipeline, text):
    return pipeline("sale", model="spring")
