"""Keys, connections and the trail they leave."""
