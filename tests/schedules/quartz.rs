//! Quartz: triggers of code, job scheduling data, beans of Spring that make triggers.

use super::*;

#[test]
fn triggers_are_jobs_with_their_classes() {
    let world = World {
        files: &[
            (
                "shop/src/main/java/com/shop/Triggers.java",
                r##"package com.shop;

import static org.quartz.CronScheduleBuilder.*;
import org.quartz.*;

class Triggers {
    void start(Scheduler scheduler) {
        JobDetail export = JobBuilder.newJob(ExportJob.class).withIdentity("export", "night").build();
        JobDetail mail = newJob(MailJob.class).build();
        Trigger trigger = TriggerBuilder.newTrigger()
            .withIdentity("exportTrigger", "night")
            .forJob(export)
            .withSchedule(CronScheduleBuilder.cronSchedule("0 0 2 ? * MON-FRI").inTimeZone(TimeZone.getTimeZone("Europe/Berlin")))
            .build();
        Trigger hourly = newTrigger().withSchedule(SimpleScheduleBuilder.simpleSchedule().withIntervalInMinutes(90).repeatForever()).build();
        scheduler.scheduleJob(mail, hourly);
        scheduler.scheduleJob(newJob(DayJob.class).build(), newTrigger().withSchedule(dailyAtHourAndMinute(5, 30)).build());
        newTrigger().forJob("named").withSchedule(cronSchedule(expression));
        newTrigger().forJob("wrong").withSchedule(cronSchedule("0 0 2 * * MON-FRI"));
        newTrigger().withSchedule(CalendarIntervalScheduleBuilder.calendarIntervalSchedule().withIntervalInDays(2));
    }
}
"##,
            ),
            (
                "shop/src/main/resources/quartz_data.xml",
                r##"<?xml version="1.0"?>
<job-scheduling-data xmlns="http://www.quartz-scheduler.org/xml/JobSchedulingData">
  <schedule>
    <job><name>stock</name><group>shop</group><job-class>com.shop.StockJob</job-class></job>
    <trigger>
      <cron>
        <name>stockTrigger</name>
        <job-name>stock</job-name>
        <job-group>shop</job-group>
        <cron-expression>0 0 4 * * ?</cron-expression>
        <time-zone>America/New_York</time-zone>
      </cron>
    </trigger>
    <trigger>
      <simple>
        <name>once</name>
        <job-name>warm</job-name>
        <repeat-count>-1</repeat-count>
        <repeat-interval>10000</repeat-interval>
      </simple>
    </trigger>
  </schedule>
</job-scheduling-data>
"##,
            ),
            (
                "shop/src/main/resources/beans.xml",
                r##"<beans>
  <bean id="invoice" class="org.springframework.scheduling.quartz.MethodInvokingJobDetailFactoryBean">
    <property name="targetObject" ref="invoices"/>
    <property name="targetMethod" value="run"/>
  </bean>
  <bean id="invoiceTrigger" class="org.springframework.scheduling.quartz.CronTriggerFactoryBean">
    <property name="jobDetail" ref="invoice"/>
    <property name="cronExpression" value="0 10 0 1 * ?"/>
    <property name="timeZone"><value>UTC</value></property>
  </bean>
  <bean id="poll" class="org.springframework.scheduling.quartz.SimpleTriggerFactoryBean" p:repeatInterval="5000"/>
</beans>
"##,
            ),
        ],
        links: &[],
    };
    let report = world.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/DayJob as -: 0 30 5 ? * * (?): DayJob @ shop/src/main/java/com/shop/Triggers.java:17",
            "job:shop/MailJob as -: repeatInterval=5400000 (UTC): MailJob @ shop/src/main/java/com/shop/Triggers.java:15",
            "job:shop/invoice as -: 0 10 0 1 * ? (UTC): invoices.run @ shop/src/main/resources/beans.xml:6",
            "job:shop/night.exportTrigger as -: 0 0 2 ? * MON-FRI (Europe/Berlin): ExportJob @ shop/src/main/java/com/shop/Triggers.java:13",
            "job:shop/poll as -: repeatInterval=5000 (UTC): poll @ shop/src/main/resources/beans.xml:11",
            "job:shop/shop.stock as -: 0 0 4 * * ? (America/New_York): com.shop.StockJob @ shop/src/main/resources/quartz_data.xml:6",
            "job:shop/warm as -: repeatInterval=10000 (UTC): warm @ shop/src/main/resources/quartz_data.xml:15",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/src/main/java/com/shop/Triggers.java:18: the schedule of Triggers.start is computed: expression",
            "bad-schedule shop/src/main/java/com/shop/Triggers.java:19: 0 0 2 * * MON-FRI: quartz rejects it: exactly one of day of month and day of week must be ?",
            "unresolved shop/src/main/java/com/shop/Triggers.java:20: a trigger of calendarIntervalSchedule, which is not read here",
        ]
    );
}
