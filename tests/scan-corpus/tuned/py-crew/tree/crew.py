import subprocess
from crewai import Agent, Crew, LLM, Task
from crewai.tools import tool

local = LLM(model="ollama/llama3.1", base_url="http://localhost:11434")

@tool("terminal")
def terminal(command: str) -> str:
    """Runs a shell command."""
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout

researcher = Agent(
    role="Senior Researcher",
    goal="Find facts",
    backstory="Curious",
    llm=local,
    tools=[terminal],
    allow_code_execution=True,
    code_execution_mode="unsafe",
)
writer = Agent(role="Writer", goal="Write", backstory="Terse", llm="gpt-4o")
crew = Crew(agents=[researcher, writer], tasks=[Task(description="Report", expected_output="text", agent=writer)])
