class Agent:
    pass

bond = Agent()
bond.name = "James"
