// Does what a program with the official Node SDK does, against the server that
// its environment names, and fails at the first answer that is not what the
// original's would be.
import assert from "node:assert/strict";
import { InfisicalSDK } from "@infisical/sdk";

const { SITE, CLIENT_ID, CLIENT_SECRET, PROJECT_ID } = process.env;
const at = { projectId: PROJECT_ID, environment: "dev", secretPath: "/" };
const sdk = new InfisicalSDK({ siteUrl: SITE });

await assert.rejects(() => new InfisicalSDK({ siteUrl: SITE }).auth().universalAuth.login({ clientId: CLIENT_ID, clientSecret: "wrong" }));
await sdk.auth().universalAuth.login({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

const made = await sdk.secrets().createSecret("NODE_A", { ...at, secretValue: "v1", secretComment: "c" });
assert.equal(made.secret.secretValue, "v1");
assert.equal(made.secret.secretComment, "c");
assert.equal(made.secret.version, 1);
await assert.rejects(() => sdk.secrets().createSecret("NODE_A", { ...at, secretValue: "again" }), /already exist/);
await sdk.secrets().createSecret("NODE_REF", { ...at, secretValue: "<${NODE_A}>" });

const changed = await sdk.secrets().updateSecret("NODE_A", { ...at, secretValue: "v2" });
assert.equal(changed.secret.version, 2);
assert.equal(changed.secret.id, made.secret.id);
const one = await sdk.secrets().getSecret({ ...at, secretName: "NODE_REF" });
assert.equal(one.secretValue, "<v2>");
const hidden = await sdk.secrets().getSecret({ ...at, secretName: "NODE_A", viewSecretValue: false });
assert.ok(!JSON.stringify(hidden).includes("v2"));

const list = await sdk.secrets().listSecrets({ ...at, expandSecretReferences: true, includeImports: true, recursive: false });
assert.deepEqual(list.secrets.map((s) => s.secretKey), ["NODE_A", "NODE_REF"]);
const merged = await sdk.secrets().listSecretsWithImports({ projectId: PROJECT_ID, environment: "staging", secretPath: "/", expandSecretReferences: true });
assert.deepEqual(merged.map((s) => s.secretKey).sort(), ["NODE_A", "NODE_REF"]);

for (const name of ["NODE_A", "NODE_REF"]) await sdk.secrets().deleteSecret(name, at);
await assert.rejects(() => sdk.secrets().getSecret({ ...at, secretName: "NODE_A" }), /404|not found|no secret/i);

const folder = await sdk.folders().create({ name: "nodesdk", path: "/", projectId: PROJECT_ID, environment: "dev", description: "d" });
assert.equal(folder.name, "nodesdk");
const folders = await sdk.folders().listFolders({ projectId: PROJECT_ID, environment: "dev", path: "/" });
assert.deepEqual(folders.map((f) => f.name), ["nodesdk"]);
const env = await sdk.environments().create({ projectId: PROJECT_ID, name: "QA", slug: "qa-node" });
assert.equal(env.slug, "qa-node");
const project = await sdk.projects().create({ projectName: "node project", type: "secret-manager" });
assert.match(project.slug, /^node-project-/);
await sdk.secrets().createSecret("FIRST", { projectId: project.id, environment: "dev", secretPath: "/", secretValue: "own" });

const before = sdk.auth().getAccessToken();
await sdk.auth().universalAuth.renew();
assert.ok(before && sdk.auth().getAccessToken());
const again = new InfisicalSDK({ siteUrl: SITE }).auth().accessToken(sdk.auth().getAccessToken());
assert.equal((await again.secrets().getSecret({ projectId: project.id, environment: "dev", secretPath: "/", secretName: "FIRST" })).secretValue, "own");
console.log("nodesdk: all is as it should be");
