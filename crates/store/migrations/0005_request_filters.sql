-- Most requests are permitted and complete; whoever looks for the others finds them without reading all.
CREATE INDEX requests_denied ON requests (id) WHERE effect = 'deny';
CREATE INDEX requests_denied_by_end ON requests (end_reason, id) WHERE effect = 'deny';
CREATE INDEX requests_denied_of_workload ON requests (workload, id) WHERE effect = 'deny';
CREATE INDEX requests_by_end ON requests (end_reason, id) WHERE end_reason <> 'completed';
CREATE INDEX requests_by_end_of_workload ON requests (workload, end_reason, id) WHERE end_reason <> 'completed';
