// An OPC UA server for the end-to-end tests, on node-opcua: node opcua_peer.js MODULES PORT CONTROL PKI
// It listens on 127.0.0.1:PORT with None and Basic256Sha256 (Sign, SignAndEncrypt), takes anonymous clients and the user
// edge / s3cret, and trusts the client certificates in PKI/trusted/certs alone. Counter (Int32) and Temperature (Double)
// move each 100 ms. Over HTTP on 127.0.0.1:CONTROL a test looks at variables past everything that is tested (GET /NAME),
// and changes them as the machine would (GET /NAME?VALUE).
"use strict";
const http = require("http");
const path = require("path");
if (!globalThis.crypto) globalThis.crypto = require("crypto").webcrypto; // Node 18 has it, under another name
const [modules, port, control, pki] = process.argv.slice(2);
const opcua = require(path.join(modules, "node_modules", "node-opcua"));

async function main() {
  const certificates = new opcua.OPCUACertificateManager({ rootFolder: pki, automaticallyAcceptUnknownCertificate: false });
  await certificates.initialize();
  const users = new opcua.OPCUACertificateManager({ rootFolder: path.join(pki, "users"), automaticallyAcceptUnknownCertificate: true });
  await users.initialize();
  const server = new opcua.OPCUAServer({
    host: "127.0.0.1",
    hostname: "localhost",
    port: Number(port),
    serverCertificateManager: certificates,
    userCertificateManager: users,
    securityPolicies: [opcua.SecurityPolicy.None, opcua.SecurityPolicy.Basic256Sha256],
    securityModes: [opcua.MessageSecurityMode.None, opcua.MessageSecurityMode.Sign, opcua.MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    userManager: { isValidUser: (user, password) => user === "edge" && password === "s3cret" },
  });
  await server.initialize();
  const ours = server.engine.addressSpace.getOwnNamespace();
  const pump = ours.addObject({ organizedBy: server.engine.addressSpace.rootFolder.objects, browseName: "Pump", nodeId: "s=Pump" });
  const variables = {};
  const add = (name, type, value, access, more) => {
    variables[name] = ours.addVariable({
      componentOf: pump, browseName: name, nodeId: `s=${name}`, dataType: type, value: { dataType: opcua.DataType[type], value, ...more },
      accessLevel: access, userAccessLevel: access, minimumSamplingInterval: 20, ...(more ? { valueRank: 1 } : {}),
    });
  };
  const both = "CurrentRead | CurrentWrite", read = "CurrentRead";
  add("Temperature", "Double", 20, read);
  add("Counter", "Int32", 0, read);
  add("Enabled", "Boolean", false, both);
  add("Label", "String", "pump-1", both);
  add("Setpoint", "Double", 1.5, both);
  add("Level", "UInt16", 7, both);
  add("Locked", "Double", 5, read);
  add("Doubtful", "Float", 2.5, read);
  add("Many", "Double", [1, 2, 3], read, { arrayType: opcua.VariantArrayType.Array });
  const set = (name, value, status) => {
    const dataType = variables[name].readValue().value.dataType;
    const typed = dataType === opcua.DataType.String ? value : dataType === opcua.DataType.Boolean ? value === "true" : Number(value);
    variables[name].setValueFromSource({ dataType, value: typed }, status);
  };
  set("Doubtful", 2.5, opcua.StatusCodes.UncertainSensorNotAccurate);
  let n = 0;
  const moving = setInterval(() => { set("Counter", ++n); set("Temperature", 20 + Math.sin(n / 10)); }, 100);
  await server.start();
  http.createServer((request, answer) => {
    const [name, value] = decodeURIComponent(request.url.slice(1)).split("?");
    if (value !== undefined) set(name, value);
    const now = variables[name].readValue().value;
    answer.end(JSON.stringify({ type: opcua.DataType[now.dataType], value: now.value }));
  }).listen(Number(control), "127.0.0.1", () => console.log("ready"));
  const stop = async () => { clearInterval(moving); await server.shutdown(0); process.exit(0); };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

main().catch((e) => { console.error(e); process.exit(1); });
