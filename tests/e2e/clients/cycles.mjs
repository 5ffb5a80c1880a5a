// cycles: discovery, token, introspection and revocation by each library; how the client proves itself is handed in.
//
// way: { client, reader, proof, fetch, metadata, keys }: two client_ids, proof(library, client) makes the library's client
// authentication, and keys, if there are any, those of DPoP proofs.
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { must, same, told } from "./told.mjs";

export async function discoverServer(fetch) {
    const issuer = new URL(told.issuer);
    const answer = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", [oauth.customFetch]: fetch });
    return oauth.processDiscoveryResponse(issuer, answer);
}

export function discoverAs(way, who) {
    return openid.discovery(new URL(told.issuer), who.id, way.metadata, way.proof(openid, who),
                            { algorithm: "oauth2", [openid.customFetch]: way.fetch });
}

// The library tells its caller about a nonce, and has it at hand when it is asked again.
export async function grant(server, way, parameters, DPoP) {
    const me = { client_id: way.client.id, ...way.metadata };
    const ask = async () => oauth.processClientCredentialsResponse(server, me, await oauth.clientCredentialsGrantRequest(
        server, me, way.proof(oauth, way.client), parameters, { [oauth.customFetch]: way.fetch, DPoP }));
    try {
        return await ask();
    } catch (refusal) {
        if (!oauth.isDPoPNonceError(refusal)) throw refusal;
        return ask();
    }
}

// What introspection says of a token that lives: cnf and token_type as it was bound, to a certificate, a key or both.
async function mustBeBound(live, way, DPoP) {
    const wanted = { ...way.cnf, ...(DPoP && { jkt: await DPoP.calculateThumbprint() }) };
    const sorted = (members) => JSON.stringify(Object.entries(members ?? {}).sort());
    same(live.client_id, way.client.id, "client_id");
    same(live.token_type, DPoP ? "DPoP" : "Bearer", "token_type");
    same(sorted(live.cnf), sorted(wanted), "cnf");
}

export async function cycleOfOauth4webapi(way) {
    const server = await discoverServer(way.fetch);
    const me = { client_id: way.client.id, ...way.metadata }, api = { client_id: way.reader.id, ...way.metadata };
    const through = { [oauth.customFetch]: way.fetch }, DPoP = way.keys && oauth.DPoP(me, way.keys);
    const token = await grant(server, way, { scope: "read" }, DPoP);
    same(token.token_type, DPoP ? "dpop" : "bearer", "token_type");
    must(token.expires_in > 0 && token.scope === "read", JSON.stringify(token));

    const introspect = async () => oauth.processIntrospectionResponse(server, api, await oauth.introspectionRequest(
        server, api, way.proof(oauth, way.reader), token.access_token, through));
    const live = await introspect();
    must(live.active && live.scope === "read", JSON.stringify(live));
    await mustBeBound(live, way, DPoP);
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, me, way.proof(oauth, way.client),
                                                                        token.access_token, through));
    const dead = await introspect();
    must(dead.active === false && Object.keys(dead).length === 1, JSON.stringify(dead));
}

export async function cycleOfOpenidClient(way) {
    const me = await discoverAs(way, way.client), api = await discoverAs(way, way.reader);
    const DPoP = way.keys && openid.getDPoPHandle(me, way.keys);
    const token = await openid.clientCredentialsGrant(me, { scope: "read", resource: told.audience }, { DPoP });
    same(token.token_type, DPoP ? "dpop" : "bearer", "token_type");
    must(token.expiresIn() > 0, JSON.stringify(token));
    const live = await openid.tokenIntrospection(api, token.access_token);
    must(live.active, JSON.stringify(live));
    await mustBeBound(live, way, DPoP);
    await openid.tokenRevocation(me, token.access_token, { token_type_hint: "access_token" });
    must((await openid.tokenIntrospection(api, token.access_token)).active === false, "a revoked token is active");
}
