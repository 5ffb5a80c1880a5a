#include "account.h"

#include "../../lib/oauth/server.h"
#include "../platform/log.h"
#include "../region/counters.h"

void account_request(struct region_process *row, int log_from_status, const struct request *request,
                     const struct response *response, unsigned elapsed)
{
    const struct error_facts *facts = error_facts(response->error);
    counters_add_request(row, response, elapsed);
    if (response->status < log_from_status) return;
    log_request(&(struct log_request){
        .id = request->id,
        .client_id = response->client_id,
        .remote_address = request->remote_address,
        .route = server_route_name(response->route),
        .error = response->error ? facts->name : NULL,
        .clause = response->error ? facts->clause : NULL,
        .status = response->status,
        .microseconds = elapsed,
    });
}
