import joblib

def warm(path):
    return joblib.load(path)
