/** What a container with a proxy is called where we put it beside an application. */
export const sidecarContainer = 'skerry-proxy'
