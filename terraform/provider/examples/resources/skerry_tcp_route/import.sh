terraform import skerry_tcp_route.database-replica default/database-replica
