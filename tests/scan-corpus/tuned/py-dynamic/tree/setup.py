from setuptools import setup

setup(name="router", version="1.0", install_requires=["anthropic>=0.34", "openai", "litellm==1.50.0"])
