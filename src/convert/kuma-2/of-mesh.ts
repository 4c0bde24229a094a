/**
 * The name of a policy that says what a Mesh said of all its proxies. In Kuma 2 every policy went before the Mesh; of policies for the same
 * proxies the one of the smaller name wins, so that this one comes last.
 */
export const ofMesh = 'zz-mesh'
