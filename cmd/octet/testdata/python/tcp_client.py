from datetime import datetime
import socket

server_address = ('localhost', 6789)
max_size = 4096

print('Starting the client at', datetime.now())
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(server_address)
client.sendall(b'Hello')
data = client.recv(max_size)
print('At', datetime.now(), 'someone replied', data)
client.close()
