class Agent { public string Name { get; set; } = ""; }
class Travel { Agent a = new Agent { Name = "Thomas" }; }
