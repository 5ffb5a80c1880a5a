#include "error.h"

static const struct error_facts facts[ERROR_COUNT] = {
#define ERROR_FACTS(name, status, code, description, clause) { #name, status, code, description, clause },
    ERROR_LIST(ERROR_FACTS)
#undef ERROR_FACTS
};

const struct error_facts *error_facts(enum error error)
{
    return &facts[error < ERROR_COUNT ? error : ERROR_unavailable];
}
