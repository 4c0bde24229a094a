/** What each type of source calls, as Azure's roles name it: all that a discovering identity needs of Azure itself. In clusters, Azure or Kubernetes RBAC says more. */
export const azureActions = {
  AKS: ['Microsoft.ContainerService/managedClusters/read', 'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action'],
  AzureVM: [
    'Microsoft.Compute/virtualMachines/read',
    'Microsoft.Compute/virtualMachineScaleSets/read',
    'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read',
    'Microsoft.Compute/virtualMachineScaleSets/networkInterfaces/read',
    'Microsoft.Network/networkInterfaces/read',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>
