// methods: clients that sign, and clients that show a certificate. Each of them reads its own tokens, so that it proves
// itself in the same way at every endpoint.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as jose from "jose";
import * as oauth from "oauth4webapi";
import { cycleOfOauth4webapi, cycleOfOpenidClient, discoverServer } from "./cycles.mjs";
import { reach, reachWith } from "./reach.mjs";
import { check, must, refusalOf, runChecks, same, told } from "./told.mjs";

const { signers, certificates, issuer, audience, boundToCertificate } = told;

async function bySignature(alg) {
    const who = signers[alg];
    const key = await jose.importPKCS8(readFileSync(who.key, "utf8"), alg);
    return { client: who, reader: who, fetch: reach, proof: (library) => library.PrivateKeyJwt({ key, kid: who.kid }) };
}

function thumbprint(path) {
    const { raw } = new X509Certificate(readFileSync(path));
    return crypto.subtle.digest("SHA-256", raw).then((digest) => jose.base64url.encode(new Uint8Array(digest)));
}

async function byCertificate(name) {
    const who = certificates[name];
    return { client: who, reader: who, fetch: reachWith(who), metadata: { use_mtls_endpoint_aliases: true },
             proof: (library) => library.TlsClientAuth(), cnf: { "x5t#S256": await thumbprint(who.path) } };
}

check("F1 oauth4webapi: the cycle by private_key_jwt, ES256", async () => cycleOfOauth4webapi(await bySignature("ES256")));
check("F1 oauth4webapi: the cycle by private_key_jwt, PS256", async () => cycleOfOauth4webapi(await bySignature("PS256")));
check("F1 openid-client: the cycle by private_key_jwt, ES256", async () => cycleOfOpenidClient(await bySignature("ES256")));
check("F1 openid-client: the cycle by private_key_jwt, PS256", async () => cycleOfOpenidClient(await bySignature("PS256")));

check("G6 G8 E7 oauth4webapi: the cycle by tls_client_auth, by the endpoint aliases, bound",
      async () => cycleOfOauth4webapi(await byCertificate("tls")));
check("G6 G8 E7 openid-client: the cycle by tls_client_auth, by the endpoint aliases, bound",
      async () => cycleOfOpenidClient(await byCertificate("tls")));
check("G7 G8 E7 oauth4webapi: the cycle by self_signed_tls_client_auth, by the endpoint aliases, bound",
      async () => cycleOfOauth4webapi(await byCertificate("selfSigned")));
check("G7 G8 E7 openid-client: the cycle by self_signed_tls_client_auth, by the endpoint aliases, bound",
      async () => cycleOfOpenidClient(await byCertificate("selfSigned")));

check("G2 G6 E7 openid-client: bound to a certificate and to a key, by the endpoint aliases", async () =>
    cycleOfOpenidClient({ ...await byCertificate("tls"), keys: await oauth.generateKeyPair("ES256") }));

check("G6 F8 oauth4webapi: a certificate of somebody else is invalid_client", async () => {
    const way = await byCertificate("tls"), other = { ...way, fetch: reachWith(certificates.selfSigned) };
    const refusal = await refusalOf(cycleOfOauth4webapi(other));
    must(refusal.status === 401 && refusal.cause[0].scheme === "basic", `${refusal.name}: ${refusal.message}`);
});

check("G8 jose: cnf of a token that is verified here is the certificate's thumbprint", async () => {
    const { jwks_uri } = await discoverServer(reach);
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri), { [jose.customFetch]: reach });
    const { payload } = await jose.jwtVerify(boundToCertificate, keys, { issuer, audience, typ: "at+jwt" });
    same(payload.cnf["x5t#S256"], await thumbprint(certificates.tls.path), "x5t#S256");
});

await runChecks();
