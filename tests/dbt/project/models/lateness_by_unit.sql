SELECT units.code, units.teaching_period, count(*) AS tasks, avg(late.days) AS days
FROM {{ ref('late_tasks') }} AS late
JOIN {{ source('staging', 'units') }} AS units ON units.unit_id = late.unit_id
GROUP BY units.code, units.teaching_period
