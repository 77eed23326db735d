import json
import yaml

def read(text):
    return yaml.safe_load(text) or json.loads(text)
