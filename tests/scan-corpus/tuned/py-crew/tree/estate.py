class Agent:
    def __init__(self, role):
        self.role = role

seller = Agent(role="Estate agent")
