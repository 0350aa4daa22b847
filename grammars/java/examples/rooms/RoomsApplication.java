package rooms;

@ApplicationPath("/rest")
public class RoomsApplication extends Application {
}
