terraform import skerry_proxy_patch.small-buffers default/small-buffers
