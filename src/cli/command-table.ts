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
      'Creates or changes resources from files. Nothing is sent unless every file can be read. Each object is reported as created, configured, unchanged or rejected.',
    options: [filename],
    examples: ['skerry apply -f failover.yaml', 'skerry apply -f policies/', 'cat hello.yaml | skerry apply -f -'],
    load: () => import('./commands/apply.ts'),
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
    summary: 'Show what a proxy is and what it was told',
    description:
      'Shows what a proxy is, whether it is ready and why not, what it was told and by whose word: which policy, or which built-in default.',
    arguments: [
      { name: '<kind>', help: 'dataplane, or dataplane/NAME' },
      { name: '[name]', help: 'name' },
    ],
    examples: ['skerry inspect dataplane payments-1', 'skerry inspect dataplane/payments-1 -z aws-1 -o yaml'],
    load: () => import('./commands/inspect.ts'),
  },
  {
    path: ['status'],
    summary: 'Show the state of the mesh on one screen',
    examples: ['skerry status', 'skerry status -o json'],
    load: () => import('./commands/status.ts'),
  },
  {
    path: ['token', 'dataplane'],
    summary: 'Make a token for a proxy',
    description: 'Makes a token with which a proxy may join. Narrow it: to one workload with --workload, to one proxy with --name.',
    options: [
      { flags: '--workload <name>', help: 'only for proxies of this workload' },
      { flags: '--name <name>', help: 'only for the proxy of this name' },
      validFor,
      outFile,
    ],
    examples: [
      'skerry token dataplane --zone azure-1 --workload hello --valid-for 1h --out hello.token',
      'skerry token dataplane --zone azure-1 --name web-1 --workload web',
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
      { flags: '--group <name>', help: 'role it has: admin or viewer; may be given several times', repeatable: true },
      validFor,
      outFile,
    ],
    examples: ['skerry token user ci --group viewer --valid-for 1h --out ci.token'],
    load: () => import('./commands/token-user.ts'),
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
