-- Sends the requests of a file, one after the other and round again. A line is: Authorization value, tab, form body;
-- without a body it is a GET.
-- The last line of the output is the result: requests, microseconds, bytes, p50 and p99 in microseconds, errors.
local requests, next_one = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local authorization, form = line:match("^(.*)\t(.*)$")
    requests[#requests + 1] = form == "" and wrk.format("GET", nil, { ["Authorization"] = authorization }) or
      wrk.format("POST", nil, { ["Authorization"] = authorization,
                                ["Content-Type"] = "application/x-www-form-urlencoded" }, form)
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout))
end
