SELECT task_id, unit_id, task, date_diff('day', due_date, completed_on) AS days
FROM {{ source('staging', 'tasks') }}
WHERE completed_on > due_date
