package rooms;

@Path("rooms")
public class RoomResource {
    @GET // expect: serves endpoint:GET /rest/rooms/{id}/bookings
    @Path("{id : [0-9]+}/bookings")
    public List<Booking> bookings(@PathParam("id") long id) {
        return null;
    }

    @POST // expect: serves endpoint:POST /rest/rooms
    public void book() {
    }

    @DELETE // expect: serves endpoint:DELETE /rest/rooms/{}
    @Path("{rest: .*}")
    public void all() {
    }
}
