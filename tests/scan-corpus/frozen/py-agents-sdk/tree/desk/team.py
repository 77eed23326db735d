from agents import Agent, Runner, function_tool
from guardrails import Guard
import yaml

guard = Guard()

@function_tool
def lookup(order: str) -> str:
    return order

triage = Agent(name="Triage", instructions="Route the request.", model="gpt-4.1", tools=[lookup])
refunds = Agent(name="Refunds", instructions="Handle refunds.", model="gpt-4.1")

def config(path):
    return yaml.load(open(path), Loader=yaml.Loader)

def run(text):
    return Runner.run_sync(triage, text).final_output
