//! Spring: annotated methods, registered tasks, the task namespace, and settings that fill schedules in.

use super::*;

#[test]
fn annotated_methods_and_registered_tasks_are_jobs() {
    let world = World {
        files: &[
            (
                "shop/pom.xml",
                r##"<project/>
"##,
            ),
            (
                "shop/src/main/java/com/shop/Nightly.java",
                r##"package com.shop;

import net.javacrumbs.shedlock.spring.annotation.SchedulerLock;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.annotation.Schedules;

/** Never @Scheduled(cron = "0 0 9 * * *") in a comment. */
@Component
@Profile("prod")
public class Nightly {
    private static final String AT_TWO = "0 0 2";
    private static final long MINUTE = 60 * 1000L;

    @Scheduled(cron = AT_TWO + " * * MON-FRI", zone = "Europe/Berlin")
    @SchedulerLock(name = "export", lockAtMostFor = "PT30M")
    public void export() {
        log("@Scheduled(cron = \"0 0 8 * * *\")");
    }

    // @Scheduled(cron = "0 0 3 * * *")
    public void retired() {}

    @Scheduled(cron = "${shop.cleanup.cron}")
    void cleanUp() {}

    @Scheduled(cron = "${shop.off}")
    void off() {}

    @Scheduled(cron = "${shop.unknown}")
    void unknown() {}

    @Scheduled(fixedRateString = "${shop.rate:PT10M}", initialDelay = 5 * MINUTE)
    void rate() {}

    @Scheduled(fixedDelay = 15, timeUnit = TimeUnit.MINUTES)
    void delay() {}

    @Schedules({@Scheduled(cron = "0 0 6 * * *"), @Scheduled(cron = "0 30 18 * * *")})
    void twice() {}

    @Scheduled(cron = "@daily")
    @Scheduled(cron = "0 0 12 * * *", zone = "UTC")
    public Map<String, List<String>> two() { return null; }

    @Scheduled(cron = "0 0 25 * * *")
    void wrong() {}

    @Scheduled(cron = Other.CRON)
    void computed() {}
}
"##,
            ),
            (
                "shop/src/main/java/com/shop/Config.java",
                r##"package com.shop;

import org.springframework.scheduling.config.ScheduledTaskRegistrar;
import org.springframework.scheduling.support.CronTrigger;

@Configuration
class Config implements SchedulingConfigurer {
    @Value("${shop.report.cron}")
    private String report;

    @Override
    public void configureTasks(ScheduledTaskRegistrar registrar) {
        registrar.addCronTask(this::mail, "0 15 7 * * *");
        registrar.addFixedDelayTask(new IntervalTask(() -> sync(), Duration.ofMinutes(5)));
        scheduler.schedule(this::report, new CronTrigger(report, ZoneId.of("Europe/Paris")));
    }
}
"##,
            ),
            (
                "shop/src/main/java/com/shop/Worker.kt",
                r##"package com.shop

import org.springframework.scheduling.annotation.Scheduled

class Worker {
    @Scheduled(fixedDelayString = "\${shop.poll:30s}")
    fun poll() = Unit

    @Scheduled(cron = NIGHT)
    suspend fun nightly(x: String = "a)b") {
    }

    companion object {
        const val NIGHT = "0 5 0 * * *"
    }
}
"##,
            ),
            (
                "shop/src/main/resources/application.yml",
                r##"shop:
  cleanup:
    cron: "0 30 1 * * *"
  off: "-"
  report:
    cron: ${REPORT_CRON:0 0 4 1 * *}
"##,
            ),
            (
                "shop/src/main/resources/application-prod.properties",
                r##"shop.cleanup.cron=0 30 3 * * *
"##,
            ),
            (
                "shop/src/main/resources/tasks.xml",
                r##"<beans xmlns:task="http://www.springframework.org/schema/task">
  <task:scheduled-tasks>
    <task:scheduled ref="mailer" method="send" cron="0 0/30 * * * *"/>
    <!-- <task:scheduled ref="old" method="send" cron="0 0 1 * * *"/> -->
    <task:scheduled ref="poller" method="poll" fixed-delay="${shop.poll:60000}"/>
    <task:scheduled ref="byTrigger" method="run" trigger="t"/>
  </task:scheduled-tasks>
</beans>
"##,
            ),
            (
                "shop/src/test/java/NightlyTest.java",
                r##"import org.springframework.scheduling.annotation.Scheduled;
class NightlyTest { @Scheduled(cron = "0 0 1 * * *") void it() {} }
"##,
            ),
        ],
        links: &[],
    };
    let report = world.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/Config.configureTasks as -: 0 15 7 * * * (?): Config.configureTasks: this::mail @ shop/src/main/java/com/shop/Config.java:13",
            "job:shop/Config.configureTasks 2 as -: fixedDelay=5m (UTC): Config.configureTasks: () -> sync() @ shop/src/main/java/com/shop/Config.java:14",
            "job:shop/Config.configureTasks 3 as -: 0 0 4 1 * * (Europe/Paris): Config.configureTasks @ shop/src/main/java/com/shop/Config.java:15",
            "job:shop/Nightly.cleanUp as -: 0 30 1 * * * (?) [@Profile(\"prod\")]: Nightly.cleanUp @ shop/src/main/java/com/shop/Nightly.java:23",
            "job:shop/Nightly.delay as -: fixedDelay=15m (UTC) [@Profile(\"prod\")]: Nightly.delay @ shop/src/main/java/com/shop/Nightly.java:35",
            "job:shop/Nightly.export as -: 0 0 2 * * MON-FRI (Europe/Berlin) [@SchedulerLock(export)] [@Profile(\"prod\")]: Nightly.export @ shop/src/main/java/com/shop/Nightly.java:14",
            "job:shop/Nightly.rate as -: fixedRate=PT10M initialDelay=300000 (UTC) [@Profile(\"prod\")]: Nightly.rate @ shop/src/main/java/com/shop/Nightly.java:32",
            "job:shop/Nightly.twice as -: 0 0 6 * * * (?) [@Profile(\"prod\")]: Nightly.twice @ shop/src/main/java/com/shop/Nightly.java:38",
            "job:shop/Nightly.twice as -: 0 30 18 * * * (?) [@Profile(\"prod\")]: Nightly.twice @ shop/src/main/java/com/shop/Nightly.java:38",
            "job:shop/Nightly.two as -: @daily (?) [@Profile(\"prod\")]: Nightly.two @ shop/src/main/java/com/shop/Nightly.java:41",
            "job:shop/Nightly.two 2 as -: 0 0 12 * * * (UTC) [@Profile(\"prod\")]: Nightly.two @ shop/src/main/java/com/shop/Nightly.java:42",
            "job:shop/Nightly.unknown as -: ${shop.unknown} (?) [@Profile(\"prod\")]: Nightly.unknown @ shop/src/main/java/com/shop/Nightly.java:29",
            "job:shop/NightlyTest.it as -: 0 0 1 * * * (?): NightlyTest.it @ shop/src/test/java/NightlyTest.java:2",
            "job:shop/Worker.nightly as -: 0 5 0 * * * (?): Worker.nightly @ shop/src/main/java/com/shop/Worker.kt:9",
            "job:shop/Worker.poll as -: fixedDelay=30s (UTC): Worker.poll @ shop/src/main/java/com/shop/Worker.kt:6",
            "job:shop/mailer.send as -: 0 0/30 * * * * (?): mailer.send @ shop/src/main/resources/tasks.xml:3",
            "job:shop/poller.poll as -: fixedDelay=60000 (UTC): poller.poll @ shop/src/main/resources/tasks.xml:5",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/src/main/java/com/shop/Nightly.java:23: shop.cleanup.cron is set to 0 30 1 * * * in application.yml, to 0 30 3 * * * in application-prod.properties",
            "bad-schedule shop/src/main/java/com/shop/Nightly.java:45: 0 0 25 * * *: spring rejects it: hour: 25 is not in 0-23",
            "unresolved shop/src/main/java/com/shop/Nightly.java:48: the schedule of Nightly.computed is computed: Other.CRON",
        ]
    );
}
