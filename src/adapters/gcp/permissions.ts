/** What each type of source calls, as Google's IAM names it: all that a discovering identity needs of Google Cloud itself. */
export const gcpPermissions = {
  GKE: ['container.clusters.list', 'container.clusters.get'],
  GCE: ['compute.instances.list', 'compute.instances.get'],
} as const satisfies Readonly<Record<string, readonly string[]>>
