/**
 * Why a try failed. `connect`: no byte of the request left. `refused`: the host's proxy says it handed nothing over. `reset`: broken with the
 * request under way. `timeout`: the time for this try was up. `overflow`: our own limits.
 */
export type Failure = 'connect' | 'refused' | 'reset' | 'timeout' | 'overflow'
