-- Sends the requests of a file in order, repeatedly. A line is: Authorization value, tab, form body, and optionally a tab and a
-- DPoP proof; without a body it is a GET. With `once` as second argument each line is sent once; after the last line, requests
-- go to a path that does not exist, are refused, and are counted separately. The last line of the output is the result:
-- requests, microseconds, bytes, p50 and p99 in microseconds, requests without a line left, errors.
local requests, next_one, once = {}, 0, false
local threads = {}
used_up = 0     -- of this thread; done() runs in another Lua state and reads it by name

function setup(thread)
  threads[#threads + 1] = thread
end

local function make(line)
  local authorization, form, proof = line:match("^([^\t]*)\t([^\t]*)\t?(.*)$")
  local headers = {}
  if authorization ~= "" then headers["Authorization"] = authorization end
  if proof ~= "" then headers["DPoP"] = proof end
  if form == "" then return wrk.format("GET", nil, headers) end
  headers["Content-Type"] = "application/x-www-form-urlencoded"
  return wrk.format("POST", nil, headers, form)
end

function init(arguments)
  once = arguments[2] == "once"
  for line in io.lines(arguments[1]) do
    requests[#requests + 1] = make(line)
  end
end

function request()
  if once and next_one == #requests then
    used_up = used_up + 1
    return wrk.format("GET", "/used-up")
  end
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local e, without = summary.errors, 0
  for _, thread in ipairs(threads) do without = without + thread:get("used_up") end
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), without, e.connect, e.read, e.write, e.status, e.timeout))
end
