// clients: libraries that others have written, against one front server: secrets, refusals, and tokens as an API sees
// them. Run by clients.py from the folder that has the packages.
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { cycleOfOauth4webapi, cycleOfOpenidClient, discoverAs, discoverServer, grant } from "./cycles.mjs";
import { reach } from "./reach.mjs";
import { check, must, mustRefuse, refusalOf, runChecks, told } from "./told.mjs";

const { issuer, audience, client, reader, byAlgorithm } = told;
const through = { [oauth.customFetch]: reach };

function bySecret(method) {
    return { client, reader, fetch: reach, proof: (library, who) => library[method](who.secret) };
}

const basic = bySecret("ClientSecretBasic"), post = bySecret("ClientSecretPost");

check("A5 I1 oauth4webapi: token, introspection and revocation by Basic", () => cycleOfOauth4webapi(basic));
check("A5 I7 oauth4webapi: token, introspection and revocation by post", () => cycleOfOauth4webapi(post));
check("A5 I1 openid-client: token, introspection and revocation by Basic", () => cycleOfOpenidClient(basic));
check("A5 I7 openid-client: token, introspection and revocation by post", () => cycleOfOpenidClient(post));

// RFC 9701: the library wants content type, typ, iss, aud, iat and a signature by a published key, of an algorithm of the
// metadata; it gives back the claim token_introspection.
async function signedAnswer(server, token) {
    const api = { client_id: reader.id };
    const answer = await oauth.introspectionRequest(server, api, oauth.ClientSecretBasic(reader.secret), token,
                                                    { ...through, requestJwtResponse: true });
    must(answer.headers.get("content-type") === "application/token-introspection+jwt", answer.headers.get("content-type"));
    const said = await oauth.processIntrospectionResponse(server, api, answer);
    await oauth.validateApplicationLevelSignature(server, answer, through);
    return said;
}

check("C10 oauth4webapi: signed answers about a live and a revoked token, verified by the published keys", async () => {
    const server = await discoverServer(reach);
    const { access_token } = await grant(server, basic, { scope: "read" });
    const live = await signedAnswer(server, access_token);
    must(live.active && live.client_id === client.id && live.aud === audience, JSON.stringify(live));
    await oauth.processRevocationResponse(await oauth.revocationRequest(
        server, { client_id: client.id }, oauth.ClientSecretBasic(client.secret), access_token, through));
    const dead = await signedAnswer(server, access_token);
    must(dead.active === false && Object.keys(dead).length === 1, JSON.stringify(dead));
});

check("A17 I8 oauth4webapi: a wrong secret is seen as a challenge", async () => {
    const server = await discoverServer(reach);
    const refusal = await refusalOf(grant(server, { ...basic, client: { id: client.id, secret: "wrong" } }, {}));
    must(refusal instanceof oauth.WWWAuthenticateChallengeError, `${refusal.name}: ${refusal.message}`);
    must(refusal.status === 401 && refusal.cause[0].scheme === "basic" && refusal.cause[0].parameters.realm, "challenge");
});

check("A11 openid-client: a scope that is not granted is invalid_scope", async () => {
    const refusal = await refusalOf(openid.clientCredentialsGrant(await discoverAs(post, client), { scope: "admin" }));
    mustRefuse(refusal, "invalid_scope");
});

check("B1 B2 B4 oauth4webapi: the token passes its RFC 9068 validation", async () => {
    const server = await discoverServer(reach);
    const token = await grant(server, basic, {});
    const call = new Request(audience, { headers: { authorization: `Bearer ${token.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(server, call, audience, through);
    must(claims.client_id === client.id && claims.sub === client.id, JSON.stringify(claims));
});

check("B6 I3 jose: verifies a token of each algorithm by the published keys", async () => {
    const { jwks_uri } = await discoverServer(reach);
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri), { [jose.customFetch]: reach });
    must(Object.keys(byAlgorithm).length === 4, "there are tokens of four algorithms");
    for (const [algorithm, token] of Object.entries(byAlgorithm)) {
        const { protectedHeader } = await jose.jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
        must(protectedHeader.alg === algorithm, `${protectedHeader.alg} is not ${algorithm}`);
        const [header, payload] = token.split(".");
        const forged = [header, payload, jose.base64url.encode(new Uint8Array(64))].join(".");
        await refusalOf(jose.jwtVerify(forged, keys));
    }
});

await runChecks();
