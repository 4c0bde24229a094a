terraform import skerry_discovery_source.shop-ecs default/shop-ecs
