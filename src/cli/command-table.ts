import type { CommandDefinition, CommandOption } from './command.ts'

const filename: CommandOption = {
  flags: '-f, --filename <path>',
  help: 'YAML or JSON file, directory of such files, or - for stdin; may be given several times',
  repeatable: true,
}
const validFor: CommandOption = { flags: '--valid-for <duration>', help: 'how long it is accepted, e.g. 1h or 30m' }
const outFile: CommandOption = { flags: '--out <file>', help: 'write it to a file that only you may read, instead of printing it' }

/** Every command but the programs (`programs.ts`). */
export const commands: readonly CommandDefinition[] = [
  {
    path: ['get'],
    summary: 'List resources, or show one',
    description:
      'Lists resources of a kind, or shows one. A kind is written as in YAML, in the plural or short: MeshService, meshservices, msvc.',
    arguments: [
      { name: '<kind>', help: 'kind, or KIND/NAME' },
      { name: '[name]', help: 'name; without it, all are listed' },
    ],
    options: [
      { flags: '-A, --all-meshes', help: 'of every mesh' },
      { flags: '-l, --selector <key=value>', help: 'only with this label; may be given several times', repeatable: true },
    ],
    examples: [
      'skerry get zones',
      'skerry get dataplanes -z aws-1',
      'skerry get meshservice payments -o yaml',
      'skerry get dataplanes -o json',
    ],
    load: () => import('./commands/get.ts'),
  },
  {
    path: ['apply'],
    summary: 'Create or change resources from files',
    description:
      'Creates or changes resources from files, all of them in one transaction: when one is refused, none is applied. Each object is reported as created, configured, unchanged, pruned, rejected or not applied.',
    options: [
      filename,
      { flags: '--dry-run', help: 'let the control plane check everything, and write nothing' },
      { flags: '--prune', help: 'delete what carries the labels of -l and is in none of the files' },
      {
        flags: '-l, --selector <key=value>',
        help: 'for --prune: the label of all that the files hold; may be given several times',
        repeatable: true,
      },
    ],
    examples: [
      'skerry apply -f failover.yaml',
      'skerry apply -f policies/ --dry-run',
      'skerry apply -f team-pay/ --prune -l team=pay',
      'cat hello.yaml | skerry apply -f -',
    ],
    load: () => import('./commands/apply.ts'),
  },
  {
    path: ['import', 'kuma-2'],
    summary: 'Turn resources of Kuma 2 into those of Skerry',
    description:
      'Reads YAML of Kuma 2 – universal, or Kubernetes’ – and prints the resources that say the same here. What became of each field goes to stderr: kept, approximated (how) or dropped (why); nothing is left out in silence. All objects of a mesh should come together. Talks to no control plane: look at the result, then apply it.',
    options: [
      filename,
      { flags: '--out <path>', help: 'write to this .yaml file, or to a directory: a file for each control plane that takes them' },
      {
        flags: '--zones <name>',
        help: 'a zone that there is, beside those that the files name: identities of callers name their zones; may be given several times',
        repeatable: true,
      },
      { flags: '--all', help: 'report what was kept, too, each field in a row of its own' },
      { flags: '--strict', help: 'exit with 3 when something was dropped' },
    ],
    examples: [
      'skerry import kuma-2 -f mesh.yaml',
      'kumactl export | skerry import kuma-2 -f - --zones east --zones west --out imported/',
      'skerry import kuma-2 -f policies/ --strict -o json',
    ],
    load: () => import('./commands/import-kuma-2.ts'),
  },
  {
    path: ['export'],
    summary: 'Print what people wrote at a control plane',
    description:
      'Prints the resources that people wrote at this control plane, as YAML for skerry apply, or with --terraform in the language of Terraform, with import blocks: applied, it takes them over and changes nothing. What control planes make by themselves is left out, and so are the values of secrets. With -m: one mesh and what is in it; else everything.',
    options: [{ flags: '--terraform', help: 'as resources of the Terraform provider, with import blocks' }],
    examples: ['skerry export > mesh.yaml', 'skerry export -m shop', 'skerry export --terraform > mesh.tf'],
    load: () => import('./commands/export.ts'),
  },
  {
    path: ['delete'],
    summary: 'Delete resources',
    arguments: [
      { name: '[kind]', help: 'kind, or KIND/NAME' },
      { name: '[name]', help: 'name' },
    ],
    options: [filename, { flags: '--ignore-not-found', help: 'what is not there counts as deleted' }],
    examples: ['skerry delete meshtrafficpermission allow-web', 'skerry delete -f failover.yaml'],
    load: () => import('./commands/delete.ts'),
  },
  {
    path: ['inspect'],
    summary: 'Show what a proxy was told, or what becomes of a policy',
    description:
      'Of a dataplane: what the proxy is, whether it is ready and why not, what it was told and by whose word: which policy, or which built-in default. Of a policy: how many proxies of each zone it reaches, and what of it cannot be applied to which of them, and why.',
    arguments: [
      { name: '<kind>', help: 'dataplane or a kind of policy, or KIND/NAME' },
      { name: '[name]', help: 'name' },
    ],
    examples: [
      'skerry inspect dataplane payments-1',
      'skerry inspect meshtimeout payments',
      'skerry inspect dataplane/payments-1 -z aws-1 -o yaml',
    ],
    load: () => import('./commands/inspect.ts'),
  },
  {
    path: ['status'],
    summary: 'Show the state of the mesh on one screen',
    description:
      'Shows what is wrong first, each with its cause and what to do, then zones, services and proxies. Zones of a service stand in the order in which callers try them. With -o wide all rows are shown, with -z or -m only those of a zone or a mesh.',
    options: [{ flags: '-w, --watch', help: 'show it again whenever something changes, until Ctrl-C' }],
    examples: ['skerry status', 'skerry status --watch', 'skerry status -z aws-1 -o wide', 'skerry status -o json'],
    load: () => import('./commands/status.ts'),
  },
  {
    path: ['token', 'dataplane'],
    summary: 'Make a token for a proxy',
    description:
      'Makes a token with which a proxy may join. Narrow it: to one workload with --workload, to one proxy with --name. Only one of --proxy-type ingress is for a gateway of the zone.',
    options: [
      { flags: '--workload <name>', help: 'only for proxies of this workload' },
      { flags: '--name <name>', help: 'only for the proxy of this name' },
      { flags: '--proxy-type <type>', help: 'ingress is a zone gateway', choices: ['dataplane', 'ingress'], default: 'dataplane' },
      validFor,
      outFile,
    ],
    examples: [
      'skerry token dataplane --zone azure-1 --workload hello --valid-for 1h --out hello.token',
      'skerry token dataplane --zone azure-1 --name web-1 --workload web',
      'skerry token dataplane --zone azure-1 --workload zone-gateway --proxy-type ingress',
    ],
    load: () => import('./commands/token-dataplane.ts'),
  },
  {
    path: ['token', 'zone'],
    summary: 'Make a token for a zone control plane',
    arguments: [{ name: '<zone>', help: 'the zone that may connect with it' }],
    options: [validFor, outFile],
    examples: ['skerry token zone gcp-1 --valid-for 1h --out zone.token'],
    load: () => import('./commands/token-zone.ts'),
  },
  {
    path: ['token', 'user'],
    summary: 'Make a token for a person or a program',
    arguments: [{ name: '<name>', help: 'who it is for' }],
    options: [
      {
        flags: '--group <name>',
        help: 'group it is of: a built-in role (admin, operator, viewer, auditor) or one that an AccessRoleBinding names; may be given several times',
        repeatable: true,
      },
      validFor,
      outFile,
    ],
    examples: ['skerry token user ci --group viewer --valid-for 1h --out ci.token'],
    load: () => import('./commands/token-user.ts'),
  },
  {
    path: ['token', 'list'],
    summary: 'List the tokens that were made',
    description:
      'Lists the tokens that this control plane has made, as far back as its audit log goes: with who made them, and until when they are good.',
    options: [
      { flags: '--all', help: 'also those that are revoked or have expired' },
      { flags: '--in-use', help: 'those that streams rest on now, whoever made them, and which of them end soon' },
    ],
    examples: ['skerry token list', 'skerry token list --in-use', 'skerry token list --all -o json'],
    load: () => import('./commands/token-list.ts'),
  },
  {
    path: ['token', 'revoke'],
    summary: 'Revoke a token at once',
    description:
      'Revokes a token on the control plane that made it. Whatever rests on it is cut at once: requests, watches, proxies, zones.',
    arguments: [{ name: '[id]', help: 'its id, as in skerry token list' }],
    options: [
      { flags: '--type <type>', help: 'which type it is of', choices: ['dataplane', 'zone', 'user'] },
      { flags: '-f, --filename <file>', help: 'the file that holds the token, or - for stdin' },
      { flags: '--issued-before <time>', help: 'all of the type that were made before this time, RFC 3339' },
    ],
    examples: [
      'skerry token revoke --type user 1b4e28ba-2fa1-11d2-883f-0016d3cca427',
      'skerry token revoke -f leaked.token',
      'skerry token revoke --type dataplane -m default --issued-before 2026-06-01T12:00:00Z',
    ],
    load: () => import('./commands/token-revoke.ts'),
  },
  {
    path: ['token', 'keys'],
    summary: 'List, rotate or retire the keys that sign tokens',
    description:
      'Lists the keys that sign tokens. rotate: a new one signs from now on, and what the others signed holds. retire: what that key signed ends at once.',
    arguments: [
      { name: '[verb]', help: 'list, rotate or retire' },
      { name: '[type]', help: 'dataplane, zone or user' },
      { name: '[key]', help: 'the key to retire' },
    ],
    examples: ['skerry token keys', 'skerry token keys rotate user', 'skerry token keys retire user user-1f0c2d9a8b7e6f51'],
    load: () => import('./commands/token-keys.ts'),
  },
  {
    path: ['audit', 'list'],
    summary: 'Show what was done, by whom',
    description: 'Shows what was done through the API and what was refused, newest first. With --from in order from that entry on.',
    options: [
      { flags: '--from <sequence>', help: 'in order from this entry on' },
      { flags: '--limit <count>', help: 'how many (default 50)' },
      { flags: '--who <name>', help: 'only of this user' },
      { flags: '--verb <verb>', help: 'only this: create, update, delete, issue, revoke, read…' },
      { flags: '--area <area>', help: 'only about this: resources, tokens, audit…' },
      { flags: '--kind <kind>', help: 'only about this kind, as in YAML' },
      { flags: '--name <name>', help: 'only about what is named so' },
      { flags: '--decision <decision>', help: 'only what was allowed, or denied', choices: ['allowed', 'denied'] },
      { flags: '--since <time>', help: 'not before this time, RFC 3339' },
    ],
    examples: [
      'skerry audit list',
      'skerry audit list --decision denied -o wide',
      'skerry audit list --kind MeshHTTPRoute --name payments -o json',
    ],
    load: () => import('./commands/audit-list.ts'),
  },
  {
    path: ['audit', 'verify'],
    summary: 'Check that nothing in the audit log was changed',
    description: 'Checks the whole audit log. Exits with 1 when an entry was changed, taken out or put in between.',
    options: [{ flags: '--dir <dir>', help: 'read the files in this directory instead of asking the control plane' }],
    examples: ['skerry audit verify', 'skerry audit verify --dir /var/lib/skerry/global/audit'],
    load: () => import('./commands/audit-verify.ts'),
  },
  {
    path: ['identity', 'rotate'],
    summary: 'Replace the roots that sign certificates',
    description:
      'Asks every zone for a new root of a mesh’s identities. Each zone signs with it once every proxy of every zone has acknowledged it, and drops the one before when nobody holds a certificate of it any more. `skerry get trustacknowledgements` shows how far each zone is.',
    arguments: [{ name: '[identity]', help: 'name of a MeshIdentity; without it, all of the mesh' }],
    examples: ['skerry identity rotate -m default', 'skerry identity rotate payments-identity'],
    load: () => import('./commands/identity-rotate.ts'),
  },
  {
    path: ['store', 'verify'],
    summary: 'Check every record of a sqlite store',
    description:
      'Reads a whole sqlite store and checks every record against its checksum and all of them against the manifest. Works beside a running control plane, and on a backup.',
    arguments: [{ name: '<path>', help: 'data directory of a control plane, or a store file' }],
    examples: ['skerry store verify /var/lib/skerry/aws-1', 'skerry store verify aws-1.backup -o json'],
    load: () => import('./commands/store-verify.ts'),
  },
  {
    path: ['store', 'backup'],
    summary: 'Copy a sqlite store to one file',
    description:
      'Copies a sqlite store, as it is at one moment, to one file, and verifies the copy. Works beside a running control plane. Stores in etcd are backed up with etcdctl snapshot save.',
    arguments: [{ name: '<path>', help: 'data directory of a control plane, or a store file' }],
    options: [{ flags: '--out <file>', help: 'the backup; must not be there yet' }],
    examples: ['skerry store backup /var/lib/skerry/aws-1 --out aws-1.backup'],
    load: () => import('./commands/store-backup.ts'),
  },
  {
    path: ['store', 'restore'],
    summary: 'Put a backup in the place of a sqlite store',
    description:
      'Verifies a backup and puts it in the place of a sqlite store. The control plane must be stopped. A store that is there is replaced only with --force, and put aside then.',
    arguments: [{ name: '<backup>', help: 'file that skerry store backup wrote' }],
    options: [
      { flags: '--data <dir>', help: 'data directory of the control plane' },
      { flags: '--force', help: 'put a store that is there aside' },
    ],
    examples: ['skerry store restore aws-1.backup --data /var/lib/skerry/aws-1'],
    load: () => import('./commands/store-restore.ts'),
  },
  {
    path: ['discovery', 'list'],
    summary: 'List discovery sources with the state of each scope',
    description:
      'Lists where workloads are found that do not register themselves, with the state of each scope: when it was last listed completely, what it holds back and why. At global -z asks one zone only.',
    examples: ['skerry discovery list', 'skerry discovery list -z aws-1 -o wide', 'skerry discovery list -o json'],
    load: () => import('./commands/discovery-list.ts'),
  },
  {
    path: ['discovery', 'test'],
    summary: 'List a discovery source once, and change nothing',
    description: 'Asks the platform now and shows what would come of each thing; what goes wrong is told with what to do about it.',
    arguments: [{ name: '<source>', help: 'name of a DiscoverySource' }],
    examples: ['skerry discovery test shop-ecs', 'skerry discovery test shop-ecs -z aws-1 -o yaml'],
    load: () => import('./commands/discovery-test.ts'),
  },
  {
    path: ['discovery', 'explain'],
    summary: "Say what became of a platform's thing, and why",
    arguments: [
      { name: '<source>', help: 'name of a DiscoverySource' },
      { name: '<id>', help: 'a part of its id, its name or another fact about it' },
    ],
    examples: ['skerry discovery explain shop-ecs 4f1c9e', 'skerry discovery explain shop-vms i-0abc12 -o json'],
    load: () => import('./commands/discovery-explain.ts'),
  },
  {
    path: ['discovery', 'release'],
    summary: 'Let removals go that discovery holds back',
    description:
      'Removes what a source holds back because too much of it vanished at once, and what was found in scopes that the source no longer names. See skerry discovery list for what that is. It is put on record.',
    arguments: [{ name: '<source>', help: 'name of a DiscoverySource' }],
    options: [{ flags: '--scope <scope>', help: 'only in this scope, as skerry discovery list shows it' }],
    examples: ['skerry discovery release shop-ecs', 'skerry discovery release shop-ecs --scope aws/123456789012/eu-central-1/ecs/prod'],
    load: () => import('./commands/discovery-release.ts'),
  },
  {
    path: ['generate', 'schema'],
    summary: 'Print the JSON Schema of a kind',
    description:
      'Prints the JSON Schema (draft 2020-12) of a kind, or one that takes resources of every kind: for editors and checks without a control plane.',
    arguments: [{ name: '[kind]', help: 'kind; without it, every kind' }],
    examples: ['skerry generate schema meshtimeout', 'skerry generate schema > skerry.schema.json'],
    load: () => import('./commands/generate-schema.ts'),
  },
  {
    path: ['generate', 'openapi'],
    summary: "Print the API's description in OpenAPI 3.1",
    examples: ['skerry generate openapi > openapi.json', 'skerry generate openapi -o yaml'],
    load: () => import('./commands/generate-openapi.ts'),
  },
  {
    path: ['generate', 'ecs-task'],
    summary: 'Put a proxy into an ECS task definition',
    description:
      'Reads the JSON of an ECS task definition and prints it with a proxy beside its application, ready for aws ecs register-task-definition. What cannot work is refused by its field. A definition that has the proxy gets it anew. --explain says on stderr what was added and why.',
    options: [
      { flags: '-f, --filename <path>', help: 'JSON file, or - for stdin', repeatable: true },
      { flags: '--cp <host:port>', help: "where the zone's control plane takes proxies" },
      { flags: '--token-secret <arn>', help: 'secret or parameter that holds the token' },
      { flags: '--image <image>', help: 'image in which skerry is a program' },
      { flags: '--service <name>', help: 'name of the service; without it, the family' },
      {
        flags: '--outbound <outbound>',
        help: 'NAME=PORT: a service that the application calls at 127.0.0.1:PORT; may be given several times',
        repeatable: true,
      },
      { flags: '--cpu <units>', help: 'for the proxy; 1024 are one processor', default: '128' },
      { flags: '--memory <mib>', help: 'kept for the proxy', default: '256' },
      { flags: '--explain', help: 'say what was added' },
    ],
    examples: [
      'aws ecs describe-task-definition --task-definition web | skerry generate ecs-task -f - --cp zone.example:5678 --token-secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:web-token --image registry.example/skerry:0.1.0 --explain > web.json',
    ],
    load: () => import('./commands/generate-ecs-task.ts'),
  },
  {
    path: ['proxy', 'ready'],
    summary: 'Ask a proxy on this machine whether it is ready',
    description: 'Prints why it is not, and exits with 75 then: for health checks of containers.',
    options: [{ flags: '--admin <host:port>', help: "the proxy's --admin", default: '127.0.0.1:9901' }],
    examples: ['skerry proxy ready --admin 127.0.0.1:9901'],
    load: () => import('./commands/proxy-ready.ts'),
  },
  {
    path: ['completion'],
    summary: 'Print completion for a shell',
    arguments: [{ name: '<shell>', help: 'bash, zsh or fish' }],
    examples: ['source <(skerry completion bash)', 'skerry completion fish > ~/.config/fish/completions/skerry.fish'],
    load: () => import('./commands/completion.ts'),
  },
  {
    path: ['version'],
    summary: 'Print the version',
    examples: ['skerry version', 'skerry version -o json'],
    load: () => import('./commands/version.ts'),
  },
]
